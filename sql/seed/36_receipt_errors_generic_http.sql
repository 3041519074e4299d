-- What errors of HTTP providers say about the number, behind the name of their dialect; send/… is a refusal of the request.
-- Only what the services' documentation says plainly: who counts here may end up on the blacklist.

insert into sms.receipt_error (adapter, error, class, meaning) values
    ('generic_http', 'sms_ru:send/202', 'malformed', 'sms.ru does not take the number'),
    ('generic_http', 'sms_ru:send/209', 'account', 'the number is on the account''s stop list at sms.ru'),
    ('generic_http', 'sms_ru:send/212', 'content', 'the text is not UTF-8'),
    ('generic_http', 'sms_ru:send/205', 'content', 'the text has more than 8 segments'),
    ('generic_http', 'sms_ru:104', 'temporary', 'the phone stayed away'),
    ('generic_http', 'sms_ru:106', 'temporary', 'the phone could not take it'),
    ('generic_http', 'sms_ru:130', 'account', 'the account''s limit for one number a day'),
    ('generic_http', 'smspilot:send/111', 'malformed', 'SMSPilot does not take the number'),
    ('generic_http', 'smspilot:600', 'temporary', 'the phone stayed away'),
    ('generic_http', 'smspilot:602', 'temporary', 'the subscriber could not be reached')
on conflict (adapter, error) do nothing;
