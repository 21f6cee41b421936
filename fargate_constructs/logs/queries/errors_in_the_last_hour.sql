-- Lines of the last hour that speak of an error, newest first.
SELECT "time", loggroup, logstream, message
FROM logs
WHERE dt >= date_format(now() - interval '1' hour, '%Y-%m-%d')
  AND hour IN (hour(now()), hour(now() - interval '1' hour))
  AND "time" >= now() - interval '1' hour
  AND regexp_like(message, '(?i)error|exception|fatal|panic|critical|traceback')
ORDER BY "time" DESC
LIMIT 1000
