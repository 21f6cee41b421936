-- One request across services: every line since yesterday that contains the ID you give for the ?, as it happened.
SELECT "time", loggroup, logstream, message
FROM logs
WHERE dt >= date_format(now() - interval '1' day, '%Y-%m-%d')
  AND strpos(message, ?) > 0
ORDER BY "time", logstream
LIMIT 1000
