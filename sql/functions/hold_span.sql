-- By how much a paused campaign's queued messages are put off: a thousand years, as hours, so that taking it away again
-- gives the very same moment whatever the time zone. A held message is one whose not_before lies past its expires_at and 3000.
create or replace function sms.hold_span()
    returns interval
    language sql immutable parallel safe
as $$ select interval '8766000 hours' $$;
comment on function sms.hold_span is 'By how much not_before of a held message is put off: a thousand years.';
revoke execute on function sms.hold_span from public;
