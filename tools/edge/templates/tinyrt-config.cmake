# find_package(tinyrt): tinyrt::tinyrt, and tinyrt::tinyrt_jpeg where libjpeg is found. Both are static archives.
include(CMakeFindDependencyMacro)
find_dependency(Threads)
find_package(JPEG QUIET)
get_filename_component(_tinyrt_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
if(NOT TARGET tinyrt::tinyrt)
  add_library(tinyrt::tinyrt STATIC IMPORTED)
  set_target_properties(tinyrt::tinyrt PROPERTIES
    IMPORTED_LOCATION "${_tinyrt_prefix}/lib/libtinyrt.a"
    IMPORTED_LINK_INTERFACE_LANGUAGES C
    INTERFACE_INCLUDE_DIRECTORIES "${_tinyrt_prefix}/include"
    INTERFACE_LINK_LIBRARIES Threads::Threads)
endif()
if(JPEG_FOUND AND NOT TARGET tinyrt::tinyrt_jpeg)
  add_library(tinyrt::tinyrt_jpeg STATIC IMPORTED)
  set_target_properties(tinyrt::tinyrt_jpeg PROPERTIES
    IMPORTED_LOCATION "${_tinyrt_prefix}/lib/libtinyrt_jpeg.a"
    IMPORTED_LINK_INTERFACE_LANGUAGES C
    INTERFACE_LINK_LIBRARIES "tinyrt::tinyrt;JPEG::JPEG")
endif()
unset(_tinyrt_prefix)
