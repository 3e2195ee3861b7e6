"""deletions"""
