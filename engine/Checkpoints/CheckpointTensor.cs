using System.Collections.Immutable;
using System.Runtime.InteropServices;
using MegaInfer.Engine.Memory;
using MegaInfer.Engine.Model;

namespace MegaInfer.Engine.Checkpoints;

/// <summary>
/// A tensor of an open checkpoint: row-major host memory, mapped from the file when <see cref="Address"/> is first read. Owned by its
/// <see cref="Checkpoint"/>. Any thread may call, but one thread must not release what another still reads.
/// </summary>
public sealed class CheckpointTensor
{
    private readonly Lock _lock = new();
    private readonly MappedFile _file;
    private readonly NumberType _storedType;
    private DeviceAddress _address;
    private float[]? _widened; // what the address points into where the file's own numbers are narrower

    /// <param name="file">Holds the data.</param>
    /// <param name="entry">Says where.</param>
    /// <param name="storedType">What the elements are in the file.</param>
    /// <param name="isWidened">Readers get fp32, whatever is stored.</param>
    internal CheckpointTensor(MappedFile file, SafetensorsEntry entry, NumberType storedType, bool isWidened = false)
    {
        _file = file;
        _storedType = storedType;
        Name = entry.Name;
        NumberType = isWidened ? NumberType.Float32 : storedType;
        Shape = entry.Shape;
        Bytes = entry.Bytes;
        Offset = entry.Offset;
    }

    public string Name { get; }

    /// <summary>What the elements are. <see cref="NumberType.MxFloat4"/>: bytes with two each, or the exponents of their scales.</summary>
    public NumberType NumberType { get; }

    /// <summary>As stored, outermost dimension first: a matrix is [out features, in features]. Of 4-bit numbers it counts bytes.</summary>
    public ImmutableArray<int> Shape { get; }

    /// <summary>In the file.</summary>
    public long Bytes { get; }

    public long Elements => Bytes * 8 / _storedType.Bits();

    /// <summary>The scales of an FP8 matrix, one for each block, fp32 to readers whatever is stored; null for everything else.</summary>
    public CheckpointTensor? Scales { get; internal init; }

    /// <summary>Where the data lie; mapped on first use, valid until <see cref="Release"/> or the checkpoint is disposed. Read-only memory.</summary>
    public DeviceAddress Address
    {
        get
        {
            lock (_lock)
            {
                if (_address.IsNull)
                    _address = NumberType == _storedType ? _file.Map(Offset, Bytes) : Widen();
                return _address;
            }
        }
    }

    internal long Offset { get; }

    /// <summary>Gives the pages back, after packing. The address is invalid from then on; reading it again maps anew.</summary>
    public void Release()
    {
        lock (_lock)
        {
            if (_address.IsNull)
                return;
            if (_widened is null)
                _file.Unmap(_address);
            _widened = null;
            _address = DeviceAddress.Null;
        }
    }

    /// <summary>The whole tensor widened to float32 (exact), without keeping it mapped: for norms, biases and other small things.</summary>
    public float[] ToFloat32()
    {
        float[] result = new float[Elements];
        CopyTo(result);
        return result;
    }

    /// <summary>Widens the whole tensor to float32 (exact) into <paramref name="destination"/> of <see cref="Elements"/> numbers.</summary>
    public void CopyTo(Span<float> destination)
    {
        if (destination.Length != Elements)
            throw new ArgumentException($"{Name} has {Elements} elements, the destination {destination.Length}.", nameof(destination));
        CopyTo(0, destination);
    }

    /// <summary>Widens the elements from <paramref name="first"/> on. FP8 codes are given as the numbers they stand for, without their scales.</summary>
    internal void CopyTo(long first, Span<float> destination)
    {
        const int chunkElements = 32 * 1024;
        int width = _storedType.Bytes();
        byte[] buffer = new byte[Math.Min(destination.Length, chunkElements) * width];
        for (int done = 0; done < destination.Length; done += chunkElements)
        {
            Span<float> part = destination.Slice(done, Math.Min(chunkElements, destination.Length - done));
            Span<byte> bytes = buffer.AsSpan(0, part.Length * width);
            ReadBytes((first + done) * width, bytes);
            Widen(bytes, part);
        }
    }

    /// <summary>Reads part of the raw bytes without mapping.</summary>
    internal void ReadBytes(long offset, Span<byte> destination) => _file.Read(Offset + offset, destination);

    private DeviceAddress Widen()
    {
        _widened = GC.AllocateUninitializedArray<float>(checked((int)Elements), pinned: true);
        CopyTo(_widened);
        return new DeviceAddress(Marshal.UnsafeAddrOfPinnedArrayElement(_widened, 0));
    }

    private void Widen(ReadOnlySpan<byte> bytes, Span<float> destination)
    {
        switch (_storedType)
        {
            case NumberType.Float32:
                MemoryMarshal.Cast<byte, float>(bytes).CopyTo(destination);
                break;
            case NumberType.BFloat16:
                ReadOnlySpan<ushort> bits = MemoryMarshal.Cast<byte, ushort>(bytes);
                for (int i = 0; i < bits.Length; i++)
                    destination[i] = BFloat16.ToSingle(bits[i]);
                break;
            case NumberType.Float16:
                ReadOnlySpan<Half> halves = MemoryMarshal.Cast<byte, Half>(bytes);
                for (int i = 0; i < halves.Length; i++)
                    destination[i] = (float)halves[i];
                break;
            case NumberType.Float8E4M3:
                for (int i = 0; i < bytes.Length; i++)
                    destination[i] = SmallFloats.OfE4M3(bytes[i]);
                break;
            default:
                throw new InvalidOperationException($"{Name} cannot be widened by itself: its numbers are {_storedType}.");
        }
    }
}
