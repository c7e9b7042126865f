# Tests of the HTTP binding and the admin API.
pst_test(http-header test_http_header.c LIBS postern-tamhttp)
pst_test(http test_http.c http_client.c LIBS postern-tamhttp)
