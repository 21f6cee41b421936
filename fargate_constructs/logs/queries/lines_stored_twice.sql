-- What the view hides: by log group and hour of the last three days, how many lines are stored more than once.
SELECT log_group, dt, hour, count(*) - count(DISTINCT id) AS duplicates
FROM lines
WHERE dt >= date_format(now() - interval '2' day, '%Y-%m-%d')
GROUP BY 1, 2, 3
HAVING count(*) > count(DISTINCT id)
ORDER BY 1, 2, 3
