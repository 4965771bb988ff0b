"""People, projects, memberships and the audit trail."""
