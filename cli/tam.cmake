# postern tam: the server and the client of its admin API.
find_package(PkgConfig REQUIRED)
pkg_check_modules(CURL REQUIRED IMPORTED_TARGET libcurl)
target_sources(postern PRIVATE tam.c tam_client.c tam_components.c
  tam_devices.c tam_enroll.c tam_files.c tam_result.c)
target_link_libraries(postern PRIVATE postern-tamserve postern-openssl
  PkgConfig::CURL PkgConfig::JANSSON)
