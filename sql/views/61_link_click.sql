-- Clicks as analysts see them; also what a goal is made of. Links are told by host, as their paths may be personal.
create or replace view sms.link_click as
    select c.at as clicked_at, c.message_id, o.client_id, k.campaign, o.channel, c.link_no, sms.link_host(l.url) as host, c.is_robot
      from sms.click as c
      join sms.outbox as o on o.id = c.message_id
      left join sms.short_link as l on l.message_id = c.message_id and l.link_no = c.link_no
      left join sms.campaign as k on k.campaign_id = o.campaign_id;
comment on view sms.link_click is 'Who opened a short link of a message, and when.';
comment on column sms.link_click.clicked_at is 'When.';
comment on column sms.link_click.message_id is 'sms.outbox.id.';
comment on column sms.link_click.client_id is 'The ERP''s client.';
comment on column sms.link_click.campaign is 'Campaign, if any.';
comment on column sms.link_click.channel is 'Traffic class.';
comment on column sms.link_click.link_no is 'Place of the link in the text, from 1.';
comment on column sms.link_click.host is 'Where it leads: the host only.';
comment on column sms.link_click.is_robot is 'Opened by a program, not by a person.';
