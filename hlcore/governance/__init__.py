"""Who may do what, checked where it is done, and the permanent record of it.

========================  ============================================================================
module                    holds
========================  ============================================================================
`roles`                   users, their roles, and the actions that a role allows
`audit`                   the context manager in which every action is checked and written to the audit log
`quarantine_decisions`    trying items in quarantine again, or ignoring them
`email_addresses`         e-mail addresses and domains as the lists of users compare them
========================  ============================================================================
"""
