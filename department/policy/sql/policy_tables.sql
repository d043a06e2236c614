-- The pages compare the file with what the database applies. Functions of these files read the rest for everybody.

GRANT SELECT ON policy_rules TO platepost_web;
