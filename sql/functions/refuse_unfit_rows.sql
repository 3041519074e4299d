-- Raise what an INSERT of these requests would raise: an unknown channel or template (SM001, SM002), or SM023 for a value
-- that no row of the outbox may have. A null array is none.
create or replace function sms.refuse_unfit_rows(p_rows sms.outbox[])
    returns void
    language plpgsql stable
as $$
declare
    _n bigint;
    _problem text;
begin
    perform sms.refuse_unknown_names(array(select distinct r.channel from unnest(p_rows) as r),
                                     array(select distinct r.template from unnest(p_rows) as r where r.template is not null));
    select r.id, case when r.priority not between 0 and 3 then 'priority is 0 to 3'
                      when char_length(r.erp_ref) not between 1 and 200 then 'erp_ref has 1 to 200 characters'
                      else 'sender_id has 1 to 15 characters' end
      into _n, _problem
      from unnest(p_rows) as r
     where r.priority not between 0 and 3 or char_length(r.erp_ref) not between 1 and 200
        or char_length(r.sender_id) not between 1 and 15
     order by r.id
     limit 1;
    if found then
        raise exception 'row % could not be inserted: %', _n, _problem using errcode = 'SM023';
    end if;
end
$$;
comment on function sms.refuse_unfit_rows is 'Error SM001, SM002 or SM023 where an INSERT of these requests would fail.';
revoke execute on function sms.refuse_unfit_rows from public;
