-- What errors say about the number. "gsm N" is an error of the GSM network (3GPP TS 29.002, forward short message), by
-- network_error_code or by err: where the provider's setting err_is_gsm is true. Any other "err N" is the SMSC's own and
-- says nothing until somebody enters it here. The last ones are answers to submit_sm.
insert into sms.receipt_error (adapter, error, class, meaning) values
    ('smpp', 'gsm 1', 'no_such_number', 'unknown subscriber'),
    ('smpp', 'gsm 5', 'temporary', 'unidentified subscriber: its exchange does not know it at present'),
    ('smpp', 'gsm 6', 'temporary', 'absent subscriber'),
    ('smpp', 'gsm 9', 'unreachable', 'illegal subscriber'),
    ('smpp', 'gsm 11', 'unreachable', 'no SMS service'),
    ('smpp', 'gsm 12', 'unreachable', 'illegal equipment'),
    ('smpp', 'gsm 13', 'unreachable', 'call barred: blocked, or it takes no SMS'),
    ('smpp', 'gsm 21', 'unreachable', 'facility not supported'),
    ('smpp', 'gsm 27', 'temporary', 'absent subscriber: the phone is off'),
    ('smpp', 'gsm 31', 'temporary', 'subscriber busy'),
    ('smpp', 'gsm 32', 'temporary', 'the phone did not take it: memory full, or an error of its own'),
    ('smpp', 'gsm 33', 'temporary', 'messages wait already'),
    ('smpp', 'gsm 34', 'temporary', 'system failure'),
    ('smpp', 'gsm 35', 'temporary', 'data missing'),
    ('smpp', 'gsm 36', 'temporary', 'unexpected data value'),
    ('smpp', 'RINVDSTADR (0x0B)', 'malformed', 'the SMSC does not take the number'),
    ('smpp', 'RINVSRCADR (0x0A)', 'account', 'the sender is not allowed'),
    ('smpp', 'RINVSRCTON (0x48)', 'account', 'type of the sender''s number'),
    ('smpp', 'RINVSRCNPI (0x49)', 'account', 'numbering plan of the sender'),
    ('smpp', 'RINVSERTYP (0x15)', 'account', 'service_type'),
    ('smpp', 'RINVMSGLEN (0x01)', 'content', 'length of the text'),
    ('smpp', 'RX_R_APPN (0x66)', 'refused', 'refused without a reason')
on conflict (adapter, error) do nothing;
