# Tests of the HTTP binding and the admin API.
pst_test(http-header test_http_header.c LIBS postern-tamhttp)
pst_test(http test_http.c http_client.c LIBS postern-tamhttp)
find_package(Python3 REQUIRED COMPONENTS Interpreter)
add_test(NAME tam-serve COMMAND ${Python3_EXECUTABLE}
  ${CMAKE_CURRENT_SOURCE_DIR}/serve_test.py $<TARGET_FILE:postern>)
set_tests_properties(tam-serve PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 600)
