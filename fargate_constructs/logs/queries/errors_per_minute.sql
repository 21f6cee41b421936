-- When did it start, and where: lines of the last three hours that speak of an error, counted by minute and log group.
SELECT date_trunc('minute', "time") AS "minute", loggroup, count(*) AS errors
FROM logs
WHERE dt >= date_format(now() - interval '3' hour, '%Y-%m-%d')
  AND hour IN (
    hour(now()),
    hour(now() - interval '1' hour),
    hour(now() - interval '2' hour),
    hour(now() - interval '3' hour)
  )
  AND "time" >= now() - interval '3' hour
  AND regexp_like(message, '(?i)error|exception|fatal|panic|critical|traceback')
GROUP BY 1, 2
ORDER BY 1, 2
