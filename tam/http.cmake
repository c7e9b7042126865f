# The HTTP binding, the admin API and the server's program logic.
add_library(postern-tamhttp STATIC http_header.c)
target_link_libraries(postern-tamhttp PUBLIC postern-core PRIVATE postern-flags)
target_include_directories(postern-tamhttp PUBLIC ${CMAKE_SOURCE_DIR})
