-- When to try again after a failed attempt: what the provider asked for, else the channel's base doubled per attempt,
-- at most one hour, plus up to a quarter of jitter so that a thousand failures do not return together.
create or replace function sms.retry_at(p_now timestamptz, p_base interval, p_attempt int, p_after_s int)
    returns timestamptz
    language sql volatile
as $$
    select p_now + case when p_after_s is not null then make_interval(secs => p_after_s)
                        else least(p_base * power(2, least(p_attempt - 1, 12)), interval '1 hour') * (1 + random() / 4) end
$$;
comment on function sms.retry_at is 'Moment of the next attempt: the provider''s wish, or exponential with jitter, at most an hour.';
revoke execute on function sms.retry_at from public;
