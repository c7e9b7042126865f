srcs-y += base.c
srcs-y += names.c
srcs-y += cbor/reader.c
srcs-y += cbor/skip.c
srcs-y += cbor/writer.c
srcs-y += cbor/float.c
