-- after: policy_guard
-- A request that names what the policy forbids is entered as any other, has its clock, and is denied. What the public
-- asks is about anything: it gets counts and the redacted log, no record.
CREATE TRIGGER sharing_request_worded BEFORE INSERT OR UPDATE ON sharing_request FOR EACH ROW
    WHEN (NEW.kind <> 'public records' AND NEW.decision <> 'denied')
    EXECUTE FUNCTION policy_guard('requester', 'says', 'order_number', 'purpose');
