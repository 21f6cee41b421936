"""What people see of all parts, and what calls them: dashboards and alarms."""
