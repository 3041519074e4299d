-- Words by which subscribers opt out or in again. Only what is missing is added: what people removed stays removed.

insert into sms.stop_word (word, meaning)
select v.word, v.meaning from (values
    ('стоп', 'stop'), ('stop', 'stop'), ('отписка', 'stop'), ('отписаться', 'stop'), ('отпишите', 'stop'), ('отказ', 'stop'),
    ('отказываюсь', 'stop'), ('отключить', 'stop'), ('отключите', 'stop'), ('unsubscribe', 'stop'), ('off', 'stop'),
    ('все', 'all'), ('всё', 'all'), ('всех', 'all'), ('всего', 'all'), ('all', 'all'),
    ('старт', 'start'), ('start', 'start'), ('подписка', 'start'), ('подписаться', 'start')
) as v (word, meaning)
 where not exists (select from sms.rule_change as h where h.rule_table = 'stop_word');
