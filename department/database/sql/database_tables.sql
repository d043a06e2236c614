-- Which migrations and SQL files were applied: no program runs on a schema that it does not know.

GRANT SELECT ON django_migrations TO platepost_keeper, platepost_web, platepost_auditor, platepost_purger,
    platepost_signer, platepost_misuse, platepost_webhook, platepost_metrics, platepost_federation;

GRANT SELECT ON database_sql TO platepost_web;
