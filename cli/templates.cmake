# templates.h: each file of templates/ as an array of its bytes.
# cmake -DOUT=FILE -DFROM=DIR -P templates.cmake
file(GLOB files ${FROM}/*.yaml)
list(SORT files)
set(text "/* Made from cli/templates. */\n")
foreach(file ${files})
  get_filename_component(name ${file} NAME_WE)
  string(REPLACE "-" "_" name ${name})
  file(READ ${file} hex HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  string(APPEND text
    "static const unsigned char template_${name}[] = {${bytes}};\n")
endforeach()
file(WRITE ${OUT} "${text}")
