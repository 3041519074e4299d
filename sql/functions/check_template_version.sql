-- A new version of a template: number it, take the declared variables of the version before where none are given, check
-- both, and write declared defaults into the body, so that filling it in asks nothing but the body.
-- Holds for a plain INSERT; one at a time per template.
create or replace function sms.check_template_version()
    returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    perform from sms.template as t where t.template_id = new.template_id for no key update;
    select coalesce(max(v.version_no), 0) + 1 into new.version_no
      from sms.template_version as v where v.template_id = new.template_id;
    if new.variables is null then
        select v.variables into new.variables
          from sms.template_version as v
         where v.template_id = new.template_id and v.version_no = new.version_no - 1;
    end if;
    perform sms.refuse_unfit_template(new.body, new.variables);
    new.body := sms.with_declared_defaults(new.body, new.variables);
    perform sms.log_activity(case new.version_no when 1 then 'created' else 'changed' end, 'template', t.template,
                             jsonb_build_object('version', new.version_no, 'note', new.note))
       from sms.template as t
      where t.template_id = new.template_id;
    return new;
end
$$;
comment on function sms.check_template_version is 'Trigger: number a template''s new version, check its body and variables, log it.';
revoke execute on function sms.check_template_version from public;

create or replace trigger check_template_version
    before insert on sms.template_version
    for each row execute function sms.check_template_version();
comment on trigger check_template_version on sms.template_version is 'Nothing is saved that could not be sent.';
