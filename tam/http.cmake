# The HTTP binding, the admin API and the server's program logic.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(MICROHTTPD REQUIRED IMPORTED_TARGET libmicrohttpd)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
add_library(postern-tamhttp STATIC http.c http_conn.c http_header.c
  http_request.c log.c)
target_link_libraries(postern-tamhttp PUBLIC postern-core PkgConfig::MICROHTTPD
  Threads::Threads PRIVATE postern-flags)
target_include_directories(postern-tamhttp PUBLIC ${CMAKE_SOURCE_DIR})

add_library(postern-tamserve STATIC admin.c admin_components.c admin_devices.c
  admin_json.c admin_route.c serve.c)
target_link_libraries(postern-tamserve PUBLIC postern-tamhttp postern-tam
  postern-openssl postern-diag PkgConfig::JANSSON PRIVATE postern-flags)
