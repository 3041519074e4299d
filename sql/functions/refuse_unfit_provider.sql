-- Trigger on provider: what many read and the log keeps must hold no secret, and a worker must not be told to hand out what is
-- none of a provider's. Settings that the adapter does not have are refused; of an adapter that nobody declared, every name
-- may be one. Only what changes is looked at. Sentences name settings, never their values.
create or replace function sms.refuse_unfit_provider()
    returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    _never constant text := '^(OUTBOX_(?!SECRET_).*|OUTBOX_SECRET_(NAMES)?|PG[A-Z]+)$';   -- as in outbox/secret_names.py
    _wrong text;
begin
    if tg_op = 'UPDATE' and (new.adapter, new.settings, new.secret_env) is not distinct from (old.adapter, old.settings, old.secret_env) then
        return new;
    end if;
    select p.path into _wrong
      from sms.setting_paths(new.settings) as p
     where jsonb_typeof(p.value) in ('string', 'number') and sms.looks_secret(p.name, p.value #>> '{}')
     order by p.path limit 1;
    if found then
        raise exception 'setting "%" of provider "%" looks like a secret', _wrong, new.provider
            using errcode = 'SM065', hint = 'Settings are read by many. Put the value into a variable of the worker, OUTBOX_SECRET_…, and '
                                            'give the name of that: as secret_env, or in a request as {secret}.';
    end if;
    select v.name into _wrong
      from (select new.secret_env as name
             union all
            select p.value #>> '{}' from sms.setting_paths(new.settings) as p where p.name like '%secret\_env' and p.value <> 'null') as v
     where v.name !~ '^[A-Z][A-Z0-9_]*$' or v.name ~ _never limit 1;
    if found then
        raise exception 'provider "%" cannot have its secret in the variable %', new.provider,
                        case when _wrong ~ '^[A-Z][A-Z0-9_]*$' then _wrong else 'it names: that is no name in capitals' end
            using errcode = 'SM065', hint = 'Name it OUTBOX_SECRET_…; what this program reads itself is no provider''s secret.';
    end if;
    if not exists (select from sms.adapter_setting as a where a.adapter = new.adapter) then
        return new;
    end if;
    select p.path into _wrong
      from sms.setting_paths(new.settings) as p
     where not exists (select from sms.adapter_setting as a
                        where a.adapter = new.adapter
                          and (a.setting = p.path or a.is_open and starts_with(p.path, a.setting || '.')))
     order by p.path limit 1;
    if found then
        raise exception 'provider "%": the adapter % has no setting "%"', new.provider, new.adapter, _wrong
            using errcode = 'SM064', hint = 'It has: ' || (select string_agg(a.setting, ', ' order by a.setting)
                                                             from sms.adapter_setting as a
                                                            where a.adapter = new.adapter and a.setting !~ '\.') || '.';
    end if;
    return new;
end
$$;
comment on function sms.refuse_unfit_provider is 'Trigger: no unknown settings, no secrets among them, no variable that is none of a provider''s.';
revoke execute on function sms.refuse_unfit_provider from public;

create or replace trigger refuse_unfit_provider before insert or update on sms.provider
    for each row execute function sms.refuse_unfit_provider();
comment on trigger refuse_unfit_provider on sms.provider is 'Unknown settings and secrets are refused.';
