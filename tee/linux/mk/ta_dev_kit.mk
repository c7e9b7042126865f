# Builds a Trusted Application from a Makefile and a sub.mk as OP-TEE's TAs
# have them:
#
#   Makefile:  BINARY = 8d82573a-926d-4754-9353-32dc29997f74
#              include $(TA_DEV_KIT_DIR)/mk/ta_dev_kit.mk
#   sub.mk:    srcs-y += hello_ta.c
#              global-incdirs-y += include
#
# and user_ta_header_defines.h in one of the include folders. The result is
# $(O)/$(BINARY).ta. Variables: O (where to build, "."), CROSS_COMPILE, CFLAGS,
# CFG_TEE_TA_LOG_LEVEL.
ta-dev-kit := $(patsubst %/mk/,%,$(dir $(lastword $(MAKEFILE_LIST))))

ifeq ($(BINARY),)
$(error BINARY is the UUID of the Trusted Application)
endif
O ?= .
CROSS_COMPILE ?=
TA_CC := $(CROSS_COMPILE)gcc
TA_READELF := $(CROSS_COMPILE)readelf

srcs-y :=
global-incdirs-y :=
incdirs-y :=
cflags-y :=
cppflags-y :=
subdirs-y :=
libnames :=
include sub.mk

# What is not supported is said, not passed over.
ifneq ($(strip $(subdirs-y)),)
$(error subdirs-y is not supported: list the sources in one sub.mk)
endif
ifneq ($(strip $(libnames)),)
$(error libnames is not supported: a TA links with no library of its own)
endif

ta-cppflags := -I. $(addprefix -I,$(global-incdirs-y) $(incdirs-y)) \
	-I$(ta-dev-kit)/include $(cppflags-y)
ifneq ($(CFG_TEE_TA_LOG_LEVEL),)
ta-cppflags += -DCFG_TEE_TA_LOG_LEVEL=$(CFG_TEE_TA_LOG_LEVEL)
endif
ta-cflags := -std=gnu11 -O2 -g -Wall -fPIC -fvisibility=hidden \
	-fstack-protector-strong -ffile-prefix-map=$(CURDIR)=. $(cflags-y) $(CFLAGS)
ta-ldflags := -shared -Wl,--no-undefined -Wl,-z,relro,-z,now \
	-Wl,-z,noexecstack -s

ta-objs := $(patsubst %.c,$(O)/%.o,$(srcs-y)) $(O)/user_ta_header.o

.PHONY: all clean
all: $(O)/$(BINARY).ta

$(O)/%.o: %.c
	@mkdir -p $(dir $@)
	$(TA_CC) $(ta-cppflags) $(ta-cflags) $(cflags-$<-y) -MMD -MP -c $< -o $@

$(O)/user_ta_header.o: $(ta-dev-kit)/src/user_ta_header.c
	@mkdir -p $(dir $@)
	$(TA_CC) $(ta-cppflags) $(ta-cflags) -MMD -MP -c $< -o $@

$(O)/$(BINARY).ta: $(ta-objs)
	$(TA_CC) $(ta-cflags) $(ta-ldflags) -o $@ $^ \
		-L$(ta-dev-kit)/lib -lpostern-ta
	@$(TA_READELF) -Ws --dyn-syms $@ | grep -q ' ta_head$$' || \
		{ echo "$@ has no ta_head" >&2; rm -f $@; false; }

clean:
	rm -f $(ta-objs) $(ta-objs:.o=.d) $(O)/$(BINARY).ta

-include $(ta-objs:.o=.d)
