#ifndef IMAGE_SHIM_H
#define IMAGE_SHIM_H
#endif
