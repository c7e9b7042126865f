/* Descriptors that postern-tee gives to postern-ta-host. */
#ifndef PST_HOST_FDS_H
#define PST_HOST_FDS_H

#define PST_HOST_SOCKET 3
#define PST_HOST_IMAGE 4 /* sealed memfd with the TA */
#define PST_HOST_FIRST_CLOSED 5

/* Sessions of one TA instance. */
#define PST_HOST_SESSIONS_MAX 32

#endif
