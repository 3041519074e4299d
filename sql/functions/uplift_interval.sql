-- Difference of two shares with its confidence interval, and how many people it would take to see it.
-- The interval is Newcombe's hybrid of two Wilson intervals (Statistics in Medicine 17 (1998), method 10), which keeps what
-- it promises also for small shares and small groups. needed = people in each of two equal groups for a test of that
-- confidence to find a difference of this size with a power of 80 %; null where there is no difference to find.
-- Confidence is 0.80, 0.90, 0.95 or 0.99. Null where a group is empty.
create or replace function sms.uplift_interval(
    p_treated bigint, p_treated_converted bigint, p_held_out bigint, p_held_out_converted bigint, p_confidence numeric default 0.95
)
    returns table (uplift numeric, low numeric, high numeric, needed bigint)
    language plpgsql immutable parallel safe rows 1
as $$
declare
    _z float8 := case p_confidence when 0.80 then 1.2815515655 when 0.90 then 1.6448536270
                                   when 0.95 then 1.9599639845 when 0.99 then 2.5758293035 end;
    _power constant float8 := 0.8416212336;
    _p1 float8 := p_treated_converted::float8 / nullif(p_treated, 0);
    _p2 float8 := p_held_out_converted::float8 / nullif(p_held_out, 0);
    _low1 float8 := sms.wilson_bound(_p1, p_treated, -_z);
    _high1 float8 := sms.wilson_bound(_p1, p_treated, _z);
    _low2 float8 := sms.wilson_bound(_p2, p_held_out, -_z);
    _high2 float8 := sms.wilson_bound(_p2, p_held_out, _z);
begin
    if _z is null then
        raise exception 'no such confidence: %', p_confidence using errcode = 'SM072', hint = 'Confidence: 0.80, 0.90, 0.95 or 0.99.';
    end if;
    if p_treated_converted not between 0 and p_treated or p_held_out_converted not between 0 and p_held_out then
        raise exception 'of % people % cannot have converted, or of % %', p_treated, p_treated_converted, p_held_out, p_held_out_converted
            using errcode = 'SM072';
    end if;
    uplift := (_p1 - _p2)::numeric;
    low := (_p1 - _p2 - sqrt((_p1 - _low1) ^ 2 + (_high2 - _p2) ^ 2))::numeric;
    high := (_p1 - _p2 + sqrt((_high1 - _p1) ^ 2 + (_p2 - _low2) ^ 2))::numeric;
    needed := case when _p1 <> _p2 then
        least(9e18, ceil(((_z * sqrt((_p1 + _p2) / 2 * (1 - (_p1 + _p2) / 2) * 2)
               + _power * sqrt(_p1 * (1 - _p1) + _p2 * (1 - _p2))) / (_p1 - _p2)) ^ 2))::bigint end;
    return next;
end
$$;
comment on function sms.uplift_interval is 'Difference of two shares, its confidence interval (Newcombe), and the group size it takes to see it.';
revoke execute on function sms.uplift_interval from public;
