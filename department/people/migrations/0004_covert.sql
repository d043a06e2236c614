-- Members of covert groups. The pages ask who is in one, and change nothing.
ALTER TABLE people_covert ADD CHECK ("group" ~ '^[a-z][a-z0-9_]{0,31}$');
CREATE TRIGGER people_joined AFTER INSERT ON people_covert FOR EACH ROW EXECUTE FUNCTION people_note('covert_joined');
CREATE TRIGGER people_left AFTER UPDATE ON people_covert FOR EACH ROW EXECUTE FUNCTION people_note('covert_left');
GRANT SELECT ON people_covert TO platepost_web, platepost_auditor;
