"""What AWS bills for the resources of templates, without any use and by use.

```
templates ──> [Bill: quantities] * list prices ──> USD a month
```
"""
