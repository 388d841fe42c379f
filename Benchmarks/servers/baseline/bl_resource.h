// Resources as the protocol numbers them, and as the kernel does.
#ifndef BL_RESOURCE_H
#define BL_RESOURCE_H

#include <sys/resource.h>

enum { BL_RESOURCES = 16 };

// The kernel's number of a resource of the protocol, 1 to 16; -1 for what is none.
int bl_resource_kernel(int number);

// The protocol's number of a resource by its name, as "nofile"; 0 for what is none.
int bl_resource_named(const char *name);

#endif
