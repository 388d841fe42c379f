// The resource numbers of the protocol and of the kernel.
#ifndef BL_RESOURCE_H
#define BL_RESOURCE_H

#include <sys/resource.h>

enum { BL_RESOURCES = 16 };

// The kernel's number of a resource of the protocol, 1 to 16; -1 for another number.
int bl_resource_kernel(int number);

// The protocol's number of a resource by its name, such as "nofile"; 0 for an unknown name.
int bl_resource_named(const char *name);

#endif
