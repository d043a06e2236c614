"""Empty: the alerts' tables are SQL. Django tells only an app with a module of models that it has migrated."""
