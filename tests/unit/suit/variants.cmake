# The SUIT processor with other limits and switches, as a library of its own
# that takes the place of postern-core's: with the small profile all its tests
# run, with switches off those that say what is refused then.
#
# pst_suit_variant(NAME DEFINITIONS... TESTS names of test_*.c...)
function(pst_suit_variant name)
  cmake_parse_arguments(V "" "" "TESTS" ${ARGN})
  set(lib suit-${name})
  get_target_property(sources postern-core SOURCES)
  list(FILTER sources INCLUDE REGEX "^suit/")
  list(TRANSFORM sources PREPEND ${CMAKE_SOURCE_DIR}/core/)
  add_library(${lib} STATIC ${sources} world.c fixture.c draft.c)
  target_compile_definitions(${lib} PUBLIC ${V_UNPARSED_ARGUMENTS})
  target_compile_options(${lib} PRIVATE -ffunction-sections -fdata-sections
    -Wno-unused-function)
  target_include_directories(${lib} PRIVATE ${CMAKE_SOURCE_DIR}/core
    PUBLIC ${CMAKE_CURRENT_SOURCE_DIR} ${CMAKE_SOURCE_DIR}
      ${CMAKE_SOURCE_DIR}/tests)
  target_link_libraries(${lib} PUBLIC postern-openssl PRIVATE postern-flags)
  foreach(test ${V_TESTS})
    pst_test(${lib}-${test} test_${test}.c LIBS ${lib} postern-mem)
    target_link_options(test-${lib}-${test} PRIVATE -Wl,--gc-sections)
  endforeach()
endfunction()

pst_suit_variant(small PST_SUIT_PROFILE_SMALL
  TESTS limits capability switches report management build suit tree decrypt)
pst_suit_variant(bare PST_SUIT_PROFILE_SMALL PST_SUIT_WITH_UPDATE_MANAGEMENT=0
  PST_SUIT_WITH_SWAP=0 PST_SUIT_WITH_ENCRYPTION=0
  PST_SUIT_WITH_DEPENDENCY_PREFIX=0 TESTS switches capability limits)
# One off at a time. Sanitizers would find nothing more in these.
if(NOT POSTERN_SANITIZE AND NOT POSTERN_FUZZ)
  foreach(switch ${POSTERN_SUIT_SWITCHES})
    string(TOLOWER "no-${switch}" off)
    pst_suit_variant(${off} PST_SUIT_WITH_${switch}=0 TESTS switches)
  endforeach()
endif()

# What a switch turns off is not linked.
add_test(NAME suit-switches-linked
  COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/linked.sh
    $<TARGET_FILE:test-suit-small-switches>
    $<TARGET_FILE:test-suit-bare-switches>)
