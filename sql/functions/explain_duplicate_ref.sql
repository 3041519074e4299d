-- Who owns the erp_ref of a message, and for how long a reference protects.
create or replace function sms.explain_duplicate_ref(p_fact sms.candidate, p_as_of timestamptz)
    returns jsonb
    language sql stable
as $$
    select jsonb_build_object(
               'told', case when p_fact.ref_hash is null and a.erp_ref is not null and not sms.may_read_texts()
                                then 'told only to roles that may read texts'
                            when p_fact.ref_hash is null then 'it has no erp_ref'
                            when w.id is null then 'nobody owns its erp_ref yet'
                            else 'it owns its erp_ref' end,
               'erp_ref', a.erp_ref,
               'owner', case when w.id is not null then jsonb_build_object(
                            'message_id', w.id::text, 'created_at', w.created_at,
                            'state', (select m.state from sms.message as m where m.id = w.id)) end,
               'protects_days', s.value,
               'rule', case when p_fact.ref_hash is not null
                            then sms.rule_version('setting', 'erp_ref_days', p_as_of) - 'row' end)
      from sms.outbox as a
      left join sms.setting as s on s.setting = 'erp_ref_days' and p_fact.ref_hash is not null
      left join lateral (
               select b.id, b.created_at
                 from sms.erp_ref as r
                 join sms.outbox as b on b.id = r.id
                where r.ref_hash = p_fact.ref_hash and b.erp_ref = a.erp_ref
           ) as w on true
     where a.id = p_fact.id
$$;
comment on function sms.explain_duplicate_ref is 'Part of explain: the facts behind rule_duplicate_ref.';
revoke execute on function sms.explain_duplicate_ref from public;
