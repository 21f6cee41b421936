-- What is said most often: messages of the last hour, alike but for their numbers, with the latest of each.
SELECT
  loggroup,
  regexp_replace(message, '[0-9]+', '#') AS pattern,
  count(*) AS lines,
  max_by(message, "timestamp") AS latest
FROM logs
WHERE dt >= date_format(now() - interval '1' hour, '%Y-%m-%d')
  AND hour IN (hour(now()), hour(now() - interval '1' hour))
  AND "time" >= now() - interval '1' hour
GROUP BY 1, 2
ORDER BY lines DESC
LIMIT 100
