-- Who went silent: the last line of each log group that wrote since yesterday, the longest silence first.
SELECT loggroup, max("time") AS latest, date_diff('minute', max("time"), now()) AS minutes_ago, count(*) AS lines
FROM logs
WHERE dt >= date_format(now() - interval '1' day, '%Y-%m-%d')
GROUP BY loggroup
ORDER BY latest
