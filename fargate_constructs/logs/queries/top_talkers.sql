-- Who writes most: lines and bytes of messages by log group since yesterday, and each one's share of the bytes.
SELECT
  loggroup,
  count(*) AS lines,
  sum(length(to_utf8(message))) AS bytes,
  round(100e0 * sum(length(to_utf8(message))) / sum(sum(length(to_utf8(message)))) OVER (), 1) AS percent
FROM logs
WHERE dt >= date_format(now() - interval '1' day, '%Y-%m-%d')
GROUP BY loggroup
ORDER BY bytes DESC
