-- Why sms.normalize_msisdn refuses a phone: a code of sms.reason, null when it does not refuse.
-- Not strict: no phone at all is a problem too.
create or replace function sms.phone_problem(p_phone text)
    returns text
    language sql immutable parallel safe
as $$ select (sms.read_phone(p_phone)).problem $$;
comment on function sms.phone_problem is
    'Why a phone cannot be sent to: invalid_number, not_mobile, foreign_number, several_numbers; null when it can.';
revoke execute on function sms.phone_problem from public;
