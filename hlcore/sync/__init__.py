"""Use cases that read: what changed in HighLevel, and what is gone?"""
