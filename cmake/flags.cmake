# Compiler flags that all of the project is built with, in one interface
# target, and the helper that makes a test.
add_library(postern-flags INTERFACE)
target_include_directories(postern-flags INTERFACE ${CMAKE_SOURCE_DIR}/include)
target_compile_options(postern-flags INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wcast-qual -Wshadow
  -Wmissing-prototypes -Wstrict-prototypes -Wvla
  -fstack-protector-strong -fno-omit-frame-pointer)
target_compile_definitions(postern-flags INTERFACE _GNU_SOURCE)
if(POSTERN_WERROR)
  target_compile_options(postern-flags INTERFACE -Werror)
endif()
if(POSTERN_SANITIZE)
  target_compile_options(postern-flags INTERFACE
    -fsanitize=${POSTERN_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(postern-flags INTERFACE -fsanitize=${POSTERN_SANITIZE})
elseif(CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo" OR
       CMAKE_BUILD_TYPE STREQUAL "Release")
  target_compile_options(postern-flags INTERFACE
    -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
endif()
if(POSTERN_FUZZ)
  # Without it libFuzzer would see the targets' own branches only.
  target_compile_options(postern-flags INTERFACE -fsanitize=fuzzer-no-link)
  target_link_options(postern-flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
target_link_options(postern-flags INTERFACE -Wl,-z,relro,-z,now)

# pst_test(NAME SOURCES... LIBS libraries...)
# A test program; it ends with 0 when it passed and 77 when it was skipped.
function(pst_test name)
  cmake_parse_arguments(T "" "" "LIBS" ${ARGN})
  add_executable(test-${name} ${T_UNPARSED_ARGUMENTS})
  set_target_properties(test-${name} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  target_include_directories(test-${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
  target_link_libraries(test-${name} PRIVATE ${T_LIBS} postern-flags)
  target_compile_definitions(test-${name} PRIVATE
    PST_SHARED_DIR="${POSTERN_SHARED_DIR}"
    PST_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  add_test(NAME ${name} COMMAND test-${name})
  set_tests_properties(${name} PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 600)
endfunction()
