-- SM031 where analysts may create objects in the schema public: a function put there could stand in for the one a SELECT
-- means, for the search path of audiences needs public for PostGIS.
create or replace function sms.refuse_open_schema()
    returns void
    language plpgsql stable
as $$
begin
    if has_schema_privilege('sms_analyst', 'public', 'create') then
        raise exception 'analysts may create objects in the schema public, so no audience is safe' using errcode = 'SM031',
            hint = 'A DBA runs: revoke create on schema public from public.';
    end if;
end
$$;
comment on function sms.refuse_open_schema is 'Error SM031 where analysts may create objects in the schema public.';
revoke execute on function sms.refuse_open_schema from public;
