# The HTTP binding, the admin API and the server's program logic.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(MICROHTTPD REQUIRED IMPORTED_TARGET libmicrohttpd)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
add_library(postern-tamhttp STATIC http/http.c http/http_conn.c
  http/http_header.c http/http_request.c log.c)
target_link_libraries(postern-tamhttp PUBLIC postern-core PkgConfig::MICROHTTPD
  Threads::Threads PRIVATE postern-flags)
target_include_directories(postern-tamhttp PUBLIC ${CMAKE_SOURCE_DIR})

add_library(postern-tamserve STATIC admin/admin.c admin/admin_components.c
  admin/admin_devices.c admin/admin_endorse.c admin/admin_enroll.c
  admin/admin_evidence.c
  admin/admin_result.c admin/admin_json.c admin/admin_route.c serve.c)
target_link_libraries(postern-tamserve PUBLIC postern-tamhttp postern-tam
  postern-openssl postern-diag postern-verifier PkgConfig::JANSSON
  PRIVATE postern-flags)
