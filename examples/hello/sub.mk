global-incdirs-y += .
srcs-y += hello_ta.c
cppflags-y += -DHELLO_VERSION='"$(HELLO_VERSION)"'
