-- Did a provider take the message? One place for all that counts traffic, shares and money: a rejection told by a receipt had
-- been taken, one in the answer to the submission had not; what was given up after a doubt may have gone and counts as taken.
create or replace function sms.is_handed_over(p_state text, p_reason text)
    returns boolean
    language sql immutable parallel safe
as $$
    select p_state in ('accepted', 'delivered', 'undelivered', 'expired', 'uncertain')
           or p_state = 'rejected' and coalesce(p_reason, '') = ''
           or p_state = 'failed' and coalesce(p_reason, '') = 'gave_up'
$$;
comment on function sms.is_handed_over is 'Did a provider take a message of this state and reason?';
revoke execute on function sms.is_handed_over from public;
