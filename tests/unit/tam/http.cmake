# Tests of the HTTP binding and the admin API.
pst_test(http-header test_http_header.c LIBS postern-tamhttp)
pst_test(admin-route test_admin_route.c LIBS postern-tamserve)
pst_test(http test_http.c http_client.c LIBS postern-tamhttp)
find_package(Python3 REQUIRED COMPONENTS Interpreter)
foreach(name serve session verifier verifier_serve)
  add_test(NAME tam-${name} COMMAND ${Python3_EXECUTABLE} -B
    ${CMAKE_CURRENT_SOURCE_DIR}/${name}_test.py $<TARGET_FILE:postern>)
  set_tests_properties(tam-${name} PROPERTIES
    SKIP_RETURN_CODE 77 TIMEOUT 600)
endforeach()
