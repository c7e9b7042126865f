# Tests of the HTTP binding and the admin API.
pst_test(http-header test_http_header.c LIBS postern-tamhttp)
