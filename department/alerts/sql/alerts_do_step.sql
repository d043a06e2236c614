-- Checks a step and brings its alert up to it. Every rule of a step stands here; what the services refuse, they refuse
-- because this does.
CREATE OR REPLACE FUNCTION alerts_do_step() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    alert alerts_alert;
    decided alerts_alert;
    way alerts_transition;
    seen boolean;
    notify boolean;
BEGIN
    SELECT * INTO alert FROM alerts_alert AS current_alert WHERE current_alert.record_id = NEW.record_id
        AND (current_alert.covert_group IS NULL OR NEW.by_program OR current_alert.covert_group = ANY (ledger_groups()))
        FOR UPDATE;
    IF alert.record_id IS NULL THEN
        PERFORM alerts_refuse('alerts_unknown', 'There is no such alert.');
    ELSIF alert.revision <> NEW.revision THEN
        PERFORM alerts_refuse('alerts_stale', 'Someone else acted on this hit first, or it was withdrawn. Check its current state.');
    END IF;
    SELECT * INTO way FROM alerts_transition AS known WHERE known.step = NEW.step AND known.from_state = alert.state;
    IF way.step IS NULL THEN
        PERFORM alerts_refuse('alerts_no_way', format('An alert that is %s cannot go on like this.', alert.state));
    ELSIF (NEW.step = 'withdraw') <> NEW.by_program THEN
        PERFORM alerts_refuse('alerts_program', 'An alert is taken back by its post, or with its entry on the list.');
    ELSIF NOT NEW.by_program AND NOT alerts_current(NEW.person, way.roles, way.certifications, way.topics) THEN
        PERFORM alerts_refuse('alerts_lapsed', 'Your roles, certificates or training do not allow this now.');
    ELSIF NEW.step IN ('confirm', 'substitute', 'active', 'not_practical', 'cleared', 'outcome', 'offer')
        AND alert.holder <> NEW.person
        OR NEW.step = 'reject' AND alert.state <> 'waiting' AND alert.holder <> NEW.person
    THEN
        PERFORM alerts_refuse('alerts_holder', format('%s has taken this alert.', alert.holder));
    ELSIF NEW.step IN ('take', 'take_over', 'reopen') AND NOT EXISTS (
        SELECT FROM alerts_acknowledgment AS seen
        WHERE seen.person = NEW.person AND seen.at > clock_timestamp() - interval '12 hours'
    ) THEN
        PERFORM alerts_refuse('alerts_shift', 'Review the posts'' lists first, at the start of your shift.');
    END IF;

    alert.revision := alert.revision + 1;
    alert.changed_at := clock_timestamp();
    seen := NEW.characters ~ '^s+$' AND NEW.plate_state <> 'other' AND NEW.vehicle <> 'other' AND EXISTS (
        SELECT FROM custody_hit WHERE record_id = NEW.record_id
        -- A listed plate may be longer than the read; a star of a pattern may stand for nothing.
        AND length(NEW.characters) >= greatest(length(plate_read), length(translate(plate_matched, ' -*', '')))
    );
    CASE NEW.step
    WHEN 'take' THEN
        alert.holder := NEW.person;
    WHEN 'confirm' THEN
        IF seen IS NOT TRUE THEN
            PERFORM alerts_refuse(
                'alerts_by_eye',
                'To confirm, compare every character, the state and the vehicle. None may differ.'
            );
        END IF;
        alert.eye_by := NEW.person;
        alert.eye_at := alert.changed_at;
    WHEN 'second' THEN
        IF seen IS NOT TRUE THEN
            PERFORM alerts_refuse(
                'alerts_by_eye',
                'To confirm, compare every character, the state and the vehicle. None may differ.'
            );
        ELSIF NEW.person = alert.eye_by THEN
            PERFORM alerts_refuse('alerts_second', 'A second person must look at this one.');
        END IF;
        alert.second_by := NEW.person;
    WHEN 'substitute' THEN
        alert.substitute := NEW.note;
        alert.substitute_at := alert.changed_at;
    WHEN 'reject' THEN
        alert.reject_reason := NEW.reason;
    WHEN 'active' THEN
        alert.system := NEW.step;
        alert.system_at := alert.changed_at;
    WHEN 'not_practical' THEN
        IF NEW.note IS NULL THEN
            PERFORM alerts_refuse('alerts_why', 'Enter why the state''s system could not be checked.');
        ELSIF alert.hotlist_stale OR alert.held THEN
            PERFORM alerts_refuse(
                'alerts_stale_list',
                'The list was too old, or held: only the state''s system can say that the entry stands.'
            );
        ELSIF alert.second_needed AND alert.second_by IS NULL THEN
            PERFORM alerts_refuse(
                'alerts_alone',
                'Neither a second person nor the state''s system: one person alone does not decide about a near match.'
            );
        END IF;
        alert.system := NEW.step;
        alert.system_at := alert.changed_at;
    WHEN 'cleared' THEN
        alert.system := NEW.step;
        alert.system_at := alert.changed_at;
        alert.reject_reason := 'stale_entry';
    WHEN 'outcome' THEN
        alert.outcome := NEW.reason;
    WHEN 'offer' THEN
        IF NEW.to_person = NEW.person
            OR NOT alerts_current(NEW.to_person, way.roles, way.certifications, way.topics)
        THEN
            PERFORM alerts_refuse('alerts_offer', 'Choose someone else who may act on alerts now.');
        END IF;
        alert.offered_to := NEW.to_person;
    WHEN 'take_over' THEN
        IF NEW.person = alert.holder THEN
            PERFORM alerts_refuse('alerts_holder', 'This alert is already assigned to you.');
        END IF;
        alert.holder := NEW.person;
        alert.offered_to := NULL;
    WHEN 'withdraw' THEN
        alert.withdrawn_at := alert.changed_at;
        alert.withdrawn_because := NEW.reason;
        alert.withdrawn_from := alert.state;
        alert.offered_to := NULL;
    WHEN 'meanwhile' THEN
        alert.meanwhile := NEW.reason;
    WHEN 'dispute' THEN
        IF alert.withdrawn_because <> 'text_changed' OR alert.disputed_by IS NOT NULL THEN
            PERFORM alerts_refuse('alerts_dispute', 'A supervisor is already alerted, or the plate is not in question.');
        END IF;
        alert.disputed_by := NEW.person;
        alert.disputed_at := alert.changed_at;
    WHEN 'repeat' THEN
        -- Only what the same person has decided in this transaction, of the same text by the same entry.
        SELECT first.* INTO decided FROM alerts_alert AS first
        JOIN alerts_step AS step ON step.record_id = first.record_id AND step.revision = first.revision - 1
        JOIN custody_hit AS one ON one.record_id = first.record_id
        JOIN custody_hit AS other ON other.record_id = NEW.record_id
        WHERE first.record_id = NEW.with_record AND first.state IN ('rejected', 'closed')
        AND step.person = NEW.person AND step.at >= transaction_timestamp()
        AND first.covert_group IS NOT DISTINCT FROM alert.covert_group AND one.category = other.category
        AND one.plate_read = other.plate_read AND one.plate_matched = other.plate_matched
        AND first.captured_at BETWEEN alert.captured_at - interval '1 day' AND alert.captured_at + interval '1 day';
        IF decided.record_id IS NULL THEN
            PERFORM alerts_refuse('alerts_repeat', 'A repeat is answered with the decision about its first hit.');
        END IF;
        alert.answered_with := decided.record_id;
        alert.answered_as := decided.state;
    WHEN 'review' THEN
        IF alert.substitute IS NULL OR alert.reviewed_by IS NOT NULL OR NEW.person = alert.eye_by THEN
            PERFORM alerts_refuse('alerts_review', 'There is nothing to review, or it is your own.');
        ELSIF NEW.note IS NULL THEN
            PERFORM alerts_refuse('alerts_why', 'Say what you found.');
        END IF;
        alert.reviewed_by := NEW.person;
        alert.reviewed_at := alert.changed_at;
    WHEN 'reopen' THEN
        IF NEW.note IS NULL THEN
            PERFORM alerts_refuse('alerts_why', 'Enter why the rejection was wrong.');
        ELSIF alert.answered_as = 'closed' THEN
            PERFORM alerts_refuse('alerts_no_way', 'This hit was not rejected: it was closed with an earlier one.');
        ELSIF NOT alerts_still_listed(alert) THEN
            PERFORM alerts_refuse(
                'alerts_gone',
                'The post withdrew this hit, its entry left the list, or its record was deleted. It stays rejected.'
            );
        END IF;
        -- Whatever was compared led to a wrong decision: all of it is compared again. A substitute that no supervisor
        -- has reviewed is still to be reviewed.
        alert.holder := CASE alert.state WHEN 'rejected' THEN NEW.person END;
        alert.offered_to := NULL;
        alert.eye_by := NULL;
        alert.eye_at := NULL;
        alert.second_by := NULL;
        alert.reject_reason := NULL;
        alert.upheld_by := NULL;
        alert.upheld_at := NULL;
        alert.system := NULL;
        alert.system_at := NULL;
        alert.answered_with := NULL;
        alert.answered_as := NULL;
        IF alert.reviewed_by IS NOT NULL THEN
            alert.substitute := NULL;
            alert.substitute_at := NULL;
            alert.reviewed_by := NULL;
            alert.reviewed_at := NULL;
        END IF;
    WHEN 'uphold' THEN
        IF alert.upheld_by IS NOT NULL OR alert.state <> 'rejected' AND alert.disputed_by IS NULL OR NEW.person = (
            SELECT own.person FROM alerts_step AS own WHERE own.record_id = NEW.record_id
            AND own.step IN ('reject', 'cleared', 'dispute') ORDER BY own.revision DESC LIMIT 1
        ) THEN
            PERFORM alerts_refuse('alerts_review', 'There is nothing to review, or it is your own.');
        END IF;
        alert.upheld_by := NEW.person;
        alert.upheld_at := alert.changed_at;
    END CASE;
    alert.state := CASE WHEN alert.second_needed THEN way.near_state ELSE way.to_state END;
    UPDATE alerts_alert AS changed SET
        state = alert.state, revision = alert.revision, changed_at = alert.changed_at, holder = alert.holder,
        offered_to = alert.offered_to, eye_by = alert.eye_by, eye_at = alert.eye_at, second_by = alert.second_by,
        substitute = alert.substitute, substitute_at = alert.substitute_at, reviewed_by = alert.reviewed_by,
        reviewed_at = alert.reviewed_at, reject_reason = alert.reject_reason,
        upheld_by = alert.upheld_by, upheld_at = alert.upheld_at, system = alert.system,
        system_at = alert.system_at, outcome = alert.outcome, withdrawn_because = alert.withdrawn_because,
        withdrawn_at = alert.withdrawn_at, withdrawn_from = alert.withdrawn_from, meanwhile = alert.meanwhile,
        disputed_by = alert.disputed_by, disputed_at = alert.disputed_at,
        answered_with = alert.answered_with, answered_as = alert.answered_as
    WHERE changed.record_id = alert.record_id;
    NEW.at := alert.changed_at;
    NEW.state := alert.state;
    NEW.covert_group := alert.covert_group;
    notify := NEW.step = 'reopen' OR alert.state IN ('rejected', 'actionable', 'closed', 'withdrawn', 'repeated')
        AND NEW.step NOT IN ('offer', 'take_over', 'review', 'uphold', 'dispute');
    IF notify THEN
        INSERT INTO alerts_decision (record_id, covert_group, post, hit, number, at, decision, reason) VALUES (
            alert.record_id, alert.covert_group, alert.post, alert.hit, alert.revision, alert.changed_at,
            CASE NEW.step WHEN 'reopen' THEN 'reopened' ELSE coalesce(alert.answered_as, alert.state) END,
            CASE WHEN NEW.step = 'reopen' THEN 'wrong_rejection' ELSE CASE alert.state
                WHEN 'rejected' THEN alert.reject_reason WHEN 'actionable' THEN alert.system
                WHEN 'closed' THEN alert.outcome WHEN 'repeated' THEN coalesce(decided.outcome, decided.reject_reason)
                ELSE alert.withdrawn_because END END
        );
    END IF;
    -- Whoever listens looks at what they may see.
    PERFORM pg_notify('alerts', '');
    RETURN NEW;
END
$$;

REVOKE ALL ON FUNCTION alerts_do_step FROM PUBLIC;

CREATE TRIGGER alerts_do_step BEFORE INSERT ON alerts_step FOR EACH ROW EXECUTE FUNCTION alerts_do_step();
