# postern_add_ta(NAME SOURCES files... HEADER_DIR dir [DEFINES names...])
# Builds the Trusted Application NAME.ta: a shared object with only its entry
# points and its header visible. HEADER_DIR has user_ta_header_defines.h.
# Trusted Applications have flags of their own: they are built as anybody's
# would be, without this project's sanitizers.
function(postern_add_ta name)
  cmake_parse_arguments(T "" "HEADER_DIR" "SOURCES;DEFINES" ${ARGN})
  add_library(${name} MODULE ${T_SOURCES}
    ${CMAKE_SOURCE_DIR}/tee/linux/ta/user_ta_header.c)
  set_target_properties(${name} PROPERTIES PREFIX "" SUFFIX ".ta"
    C_STANDARD 11 C_EXTENSIONS ON
    C_VISIBILITY_PRESET hidden BUILD_RPATH "" INSTALL_RPATH ""
    SKIP_BUILD_RPATH ON
    LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/examples)
  target_include_directories(${name} PRIVATE ${T_HEADER_DIR})
  target_compile_definitions(${name} PRIVATE ${T_DEFINES})
  target_compile_options(${name} PRIVATE -Wall -Wextra
    -fstack-protector-strong)
  if(POSTERN_WERROR)
    target_compile_options(${name} PRIVATE -Werror)
  endif()
  # A function that this TEE does not have is an error here, not at run time.
  target_link_libraries(${name} PRIVATE postern-ta)
  target_link_options(${name} PRIVATE -Wl,--no-undefined -Wl,-z,relro,-z,now
    -Wl,-z,noexecstack)
  # An image that is signed and sent to devices says nothing of the machine
  # that built it.
  target_compile_options(${name} PRIVATE
    -ffile-prefix-map=${CMAKE_SOURCE_DIR}=. -ffile-prefix-map=${CMAKE_BINARY_DIR}=.)
  target_link_options(${name} PRIVATE -s)
endfunction()
