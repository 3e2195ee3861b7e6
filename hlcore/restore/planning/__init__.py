"""What a restore would do with each contact. Reads the vault and HighLevel, writes nothing.

==================  ==========================================================
module              holds
==================  ==========================================================
`planner`           `plan()`: the action for each contact, and why; HighLevel's own restore, step by step
`prepare`           one contact as a create call and what follows it
`field_lines`       the plan of one contact, field by field
`plan_table`        the plan as a table
`vault_copy`        what the vault holds of a contact
`reference_loader`  the custom fields, users, pipelines and calendars of today
`lookups`           what was read already, asked once each
==================  ==========================================================
"""
